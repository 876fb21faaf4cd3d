/** Where a floating panel stands beside what it belongs to. */
export interface Placement {
  side: "top" | "bottom";
  align: "start" | "end";
}

const GAP_PX = 6;
const EDGE_PX = 8;

/** On the wished side if it fits there or there is more room; never beyond the window's edge. */
export function placePanel(panel: HTMLElement, anchor: HTMLElement, { side, align }: Placement): void {
  const box = anchor.getBoundingClientRect();
  const above = box.top - GAP_PX - EDGE_PX;
  const below = innerHeight - box.bottom - GAP_PX - EDGE_PX;
  panel.style.maxHeight = "";
  const height = panel.offsetHeight;
  const isAbove = side === "top" ? above >= height || above >= below : below < height && below < above;
  const wished = align === "start" ? box.left : box.right - panel.offsetWidth;
  const left = Math.max(EDGE_PX, Math.min(wished, innerWidth - panel.offsetWidth - EDGE_PX));
  Object.assign(panel.style, {
    left: `${left}px`,
    top: isAbove ? "auto" : `${box.bottom + GAP_PX}px`,
    bottom: isAbove ? `${innerHeight - box.top + GAP_PX}px` : "auto",
    maxHeight: `${isAbove ? above : below}px`,
  });
}
