"""A server that speaks the Gemini API and decides from the numbers in the prompt."""
