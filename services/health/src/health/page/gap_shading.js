// How are minutes without a candle drawn? Each kind in a pattern of its own, behind the candles.

const LEAST_WIDTH = 3;

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

/** A primitive of the candle series; `set` gives it ranges in the chart's time, `to` exclusive. */
export class GapShading {
  #gaps = [];
  #colours = {};
  #attached = null;

  attached(attached) { this.#attached = attached; }
  detached() { this.#attached = null; }
  updateAllViews() {}

  /** Show these gaps: `{status, from, to}` in seconds of the chart. */
  set(gaps, colours) {
    this.#gaps = gaps;
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
    });
  }
}
