const growsByItself = "fieldSizing" in document.documentElement.style;

/** Browsers without `field-sizing` (see `.qd-field`) are told the height. */
export function growToFit(field: HTMLTextAreaElement | null): void {
  if (!field || growsByItself) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}
