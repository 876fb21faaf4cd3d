import { useId } from "react";
import type { ReactNode } from "react";

interface SectionProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}

/** A part of a page of settings: its name, a line of explanation, what can be done. */
export function Section({ title, lead, children }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className="text-lg font-semibold tracking-[-0.01em]">
        {title}
      </h2>
      {lead && <p className="max-w-[38rem] pt-0.5 text-sm leading-6 text-quiet text-pretty">{lead}</p>}
      <div className="pt-4">{children}</div>
    </section>
  );
}
