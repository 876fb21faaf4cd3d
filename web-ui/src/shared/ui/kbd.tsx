import { keycaps } from "@/shared/keyboard/shortcuts";

export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-0.5">
      {keycaps(keys).map((cap) => (
        <kbd
          key={cap}
          className="min-w-5 rounded-xs border border-line-strong bg-ground px-1 text-center font-sans text-xs leading-5 text-quiet"
        >
          {cap}
        </kbd>
      ))}
    </span>
  );
}
