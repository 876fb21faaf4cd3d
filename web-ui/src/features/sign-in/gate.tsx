import type { ReactNode } from "react";

import { Mark } from "@/shared/ui/mark";

interface GateProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}

/** What stands before the server: the mark, one sentence, one thing to do. */
export function Gate({ title, lead, children }: GateProps) {
  return (
    <main className="h-full overflow-y-auto">
      <div className="mx-auto flex min-h-full max-w-[25rem] flex-col px-6 pt-[max(2.5rem,16vh)] pb-12">
        <Mark className="mb-6 size-9" />
        <h1 className="text-[1.625rem] leading-9 font-semibold tracking-[-0.02em] text-balance wrap-anywhere">{title}</h1>
        {lead && <div className="pt-2 leading-6 text-soft text-pretty">{lead}</div>}
        <div className="flex flex-col gap-6 pt-7">{children}</div>
      </div>
    </main>
  );
}
