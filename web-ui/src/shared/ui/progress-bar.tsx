interface ProgressBarProps {
  label: string;
  done: number;
  total: number;
}

/** The browser's own bar ignores the page's colours, so it is drawn in ours. */
export function ProgressBar({ label, done, total }: ProgressBarProps) {
  return <progress aria-label={label} max={Math.max(total, 1)} value={done} className="qd-progress h-1.5 w-full" />;
}
