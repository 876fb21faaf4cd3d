/** The mark: two entries on the line of a log. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 20 20" aria-hidden className={className} fill="none">
      <path d="M6 1.5v17" stroke="var(--accent)" strokeWidth="1.75" strokeLinecap="round" />
      <circle cx="6" cy="6" r="2.6" fill="var(--brass)" />
      <circle cx="6" cy="14" r="2.6" fill="var(--accent)" />
      <path d="M11.5 6h7M11.5 14h4.5" stroke="var(--accent)" strokeWidth="1.75" strokeLinecap="round" />
    </svg>
  );
}
