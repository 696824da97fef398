"""Masking: secrets and balances lose their value before anything is printed, sent or stored."""

from common.masking.field_names import is_secret_name
from common.masking.known_secrets import MASK
from common.masking.mask import CUT, MAX_TEXT, mask, mask_sensitive, register_secret

__all__ = ["CUT", "MASK", "MAX_TEXT", "is_secret_name", "mask", "mask_sensitive", "register_secret"]
