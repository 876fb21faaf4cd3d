/** Where this server is, as this browser reaches it: without a path. */
export function readPageAddress(): string {
  return location.origin;
}
