// The chart's backdrop: minutes without a candle, each kind in a pattern of its own, and HOLDs at the foot.

const LEAST_WIDTH = 3;
const DOT = 1.6;

const patterns = {
  open(context, from, to, height, step) {
    for (let x = from - height; x < to; x += step) line(context, x, height, x + height, 0);
  },
  repaired(context, from, to, height, step) {
    for (let x = from + step / 2; x < to; x += step) line(context, x, 0, x, height);
  },
  confirmed_empty(context, from, to, height, step) {
    for (let y = step / 2; y < height; y += step) {
      for (let x = from + step / 2; x < to; x += step) context.fillRect(x, y, step / 4, step / 4);
    }
  },
};

function line(context, fromX, fromY, toX, toY) {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}

/** A primitive of the candle series. */
export class Backdrop {
  #gaps = [];
  #holds = [];
  #colours = {};
  #attached = null;

  attached(attached) { this.#attached = attached; }
  detached() { this.#attached = null; }
  updateAllViews() {}

  /** Show gaps, `{status, from, to}` with `to` exclusive, and HOLDs, all in seconds of the chart. */
  set(gaps, holds, colours) {
    this.#gaps = gaps;
    this.#holds = holds;
    this.#colours = colours;
    this.#attached?.requestUpdate();
  }

  paneViews() {
    return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target) {
    const scale = this.#attached.chart.timeScale();
    const half = scale.options().barSpacing / 2;
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio }) => {
      for (const gap of this.#gaps) {
        const first = scale.timeToCoordinate(gap.from);
        const last = scale.timeToCoordinate(gap.to - 60);
        if (first === null || last === null) continue;
        const middle = (first + last) / 2;
        const width = Math.max(LEAST_WIDTH, last - first + 2 * half);
        const [from, to] = [(middle - width / 2) * ratio, (middle + width / 2) * ratio];
        context.save();
        context.beginPath();
        context.rect(from, 0, to - from, bitmapSize.height);
        context.clip();
        context.strokeStyle = context.fillStyle = this.#colours[gap.status];
        context.globalAlpha = 0.14;
        context.fillRect(from, 0, to - from, bitmapSize.height);
        context.globalAlpha = 0.75;
        context.lineWidth = ratio;
        patterns[gap.status](context, from, to, bitmapSize.height, 6 * ratio);
        context.restore();
      }
      context.fillStyle = this.#colours.hold;
      for (const time of this.#holds) {
        const x = scale.timeToCoordinate(time);
        if (x === null) continue;
        context.beginPath();
        context.arc(x * ratio, bitmapSize.height - 6 * ratio, DOT * ratio, 0, 2 * Math.PI);
        context.fill();
      }
    });
  }
}
