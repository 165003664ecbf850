// Shares of what comes from each direction, as petals.

const SVG = "http://www.w3.org/2000/svg";

function draw(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
}

/** Draw shares of D equal sectors, the first straight ahead (up), the next to its left. The area of a
 *  petal is its share. */
export function drawRose(picture, shares, text, caption) {
  const most = Math.max(...shares, 1e-9);
  const half = Math.PI / shares.length;
  picture.replaceChildren();
  for (const r of [25, 50]) draw("circle", { r, class: "ring" }, picture);
  shares.forEach((share, k) => {
    const radius = 50 * Math.sqrt(share / most);
    const at = (angle) => `${-radius * Math.sin(angle)} ${-radius * Math.cos(angle)}`;
    const middle = 2 * half * k;
    draw("path", { class: "petal", d: `M0 0 L${at(middle - half)} A${radius} ${radius} 0 0 0 ${at(middle + half)} Z` }, picture);
  });
  draw("path", { d: "M0 -58 l-4 6 h8 z", class: "ahead" }, picture);
  picture.setAttribute("aria-label", text);
  caption.textContent = text;
}

const WAYS = ["ahead", "ahead on the left", "left", "behind on the left", "behind", "behind on the right", "right", "ahead on the right"];

/** Say from which way most comes, and how much of all. */
export function mostOf(shares) {
  const ways = WAYS.map(() => 0);
  shares.forEach((share, k) => (ways[Math.round((8 * k) / shares.length) % 8] += share));
  const best = ways.indexOf(Math.max(...ways));
  return `most from ${WAYS[best]}: ${Math.round(100 * ways[best])} %`;
}
