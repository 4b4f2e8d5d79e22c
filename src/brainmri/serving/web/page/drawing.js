// Bytes of the server's answer -> a slice on a canvas, with heat map, outline and the patient's sides.

const INFERNO = [
  [0, 0, 4], [31, 12, 72], [85, 15, 109], [136, 34, 106], [186, 54, 85], [227, 89, 51], [249, 140, 10],
  [249, 201, 50], [252, 255, 164],
];
const SPAN = 255 / (INFERNO.length - 1);
const OUTLINE = "#00e5ff";

export function decode(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// The answer's slice with its bytes decoded, once.
export function open(view) {
  return {
    ...view,
    pixels: decode(view.pixels),
    heat: view.heat && decode(view.heat),
    outline: view.outline && decode(view.outline),
  };
}

function layer(width, height, paint) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  paint(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
  return canvas;
}

// `level` and `width` of the window as shares of all gray values.
function gray(view, level, width) {
  const shades = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    const share = (value / 255 - level) / width + 0.5;
    const shade = Math.round(255 * Math.min(1, Math.max(0, share)));
    shades[value] = 0xff000000 | (shade << 16) | (shade << 8) | shade;
  }
  return layer(view.width, view.height, (out) => {
    for (let place = 0; place < out.length; place++) out[place] = shades[view.pixels[place]];
  });
}

function heat(view, opacity) {
  const colors = new Uint32Array(256);
  for (let value = 0; value < 256; value++) {
    const step = Math.min(INFERNO.length - 2, Math.floor(value / SPAN));
    const part = value / SPAN - step;
    const [red, green, blue] = INFERNO[step].map((low, k) => Math.round(low + part * (INFERNO[step + 1][k] - low)));
    colors[value] = (Math.round(value * opacity) << 24) | (blue << 16) | (green << 8) | red;
  }
  return layer(view.size, view.size, (out) => {
    for (let place = 0; place < out.length; place++) out[place] = colors[view.heat[place]];
  });
}

// The lines between pixels that are in the mask and pixels that are not, in pixels of the square.
function edges(mask, size) {
  const path = new Path2D();
  const inside = (row, column) =>
    row >= 0 && column >= 0 && row < size && column < size && mask[row * size + column] === 1;
  for (let row = 0; row <= size; row++) {
    for (let column = 0; column <= size; column++) {
      const here = inside(row, column);
      if (here !== inside(row - 1, column)) {
        path.moveTo(column, row);
        path.lineTo(column + 1, row);
      }
      if (here !== inside(row, column - 1)) {
        path.moveTo(column, row);
        path.lineTo(column, row + 1);
      }
    }
  }
  return path;
}

// Strokes twice: a dark line below keeps the bright one visible on any gray.
function stroke(context, path, color, thick) {
  for (const [style, width] of [["#000000", 2.2 * thick], [color, thick]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke(path);
  }
}

function onSquare(context, view, scale, paint) {
  context.save();
  const step = (view.square.side / view.size) * scale;
  context.transform(step, 0, 0, step, view.square.left * scale, view.square.top * scale);
  paint(step);
  context.restore();
}

function letter(context, text, x, y) {
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

function sides(context, found, width, height) {
  context.font = `600 ${Math.round(width / 24)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = width / 160;
  context.strokeStyle = "#000000";
  context.fillStyle = "#ffffff";
  const far = width / 28;
  letter(context, found.left, far, height / 2);
  letter(context, found.right, width - far, height / 2);
  letter(context, found.top, width / 2, far);
  letter(context, found.bottom, width / 2, height - far);
}

// Draws an opened slice; `look` has level, width, opacity (0 to 1) and outline (whether).
export function draw(canvas, view, look) {
  const scale = 768 / Math.max(view.width, view.height);
  canvas.width = Math.round(view.width * scale);
  canvas.height = Math.round(view.height * scale);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(gray(view, look.level, look.width), 0, 0, canvas.width, canvas.height);
  if (view.heat && look.opacity > 0) {
    onSquare(context, view, scale, () => context.drawImage(heat(view, look.opacity), 0, 0));
    if (view.hottest) onSquare(context, view, scale, (step) => cross(context, view.hottest, step));
  }
  if (view.outline && look.outline) {
    const path = edges(view.outline, view.size);
    onSquare(context, view, scale, (step) => stroke(context, path, OUTLINE, 2.5 / step));
  }
  if (view.edges) sides(context, view.edges, canvas.width, canvas.height);
}

function cross(context, [row, column], step) {
  const path = new Path2D();
  const arm = 12 / step;
  const [x, y] = [column + 0.5, row + 0.5];
  path.moveTo(x - arm, y);
  path.lineTo(x + arm, y);
  path.moveTo(x, y - arm);
  path.lineTo(x, y + arm);
  stroke(context, path, "#ffffff", 2 / step);
}

// A bar a slice, the threshold as a line, the present slice in full color.
export function drawCourse(canvas, slices, present, threshold) {
  const style = getComputedStyle(canvas);
  canvas.width = 2 * canvas.clientWidth;
  canvas.height = 2 * canvas.clientHeight;
  const context = canvas.getContext("2d");
  const step = canvas.width / slices.length;
  slices.forEach((slice, place) => {
    const height = Math.max(3, slice.probability * canvas.height);
    context.fillStyle = style.getPropertyValue(place === present ? "--accent" : "--line");
    context.fillRect(place * step + 1, canvas.height - height, Math.max(1, step - 2), height);
  });
  context.fillStyle = style.getPropertyValue("--ink");
  context.fillRect(0, canvas.height * (1 - threshold) - 1, canvas.width, 2);
}
