/** Three dots that breathe; still ones without motion. */
export function Spinner({ label }: { label?: string }) {
  return (
    <span className="inline-flex items-center gap-1" role={label ? "img" : undefined} aria-label={label}>
      {[0, 1, 2].map((dot) => (
        <span key={dot} className={`qd-dot qd-dot-${dot} size-1 rounded-full bg-current`} />
      ))}
    </span>
  );
}
