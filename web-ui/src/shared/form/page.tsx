import type { ReactNode } from "react";

interface PageProps {
  title: string;
  sidebarButton: ReactNode;
  /** The places of this page. */
  nav: ReactNode;
  /** Tables need more room than text. */
  isWide?: boolean;
  children: ReactNode;
}

/** A page beside the conversation: its name and places at the top, the rest scrolls. */
export function Page({ title, sidebarButton, nav, isWide = false, children }: PageProps) {
  return (
    <>
      <header className="flex h-13 shrink-0 items-center gap-1 px-3">
        {sidebarButton}
        <h1 className="px-1.5 text-[0.9375rem] font-semibold">{title}</h1>
      </header>
      {nav}
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className={isWide ? "mx-auto w-full max-w-[64rem] px-5 pt-9 pb-20 sm:px-8" : "qd-column pt-9 pb-20"}>{children}</div>
      </div>
    </>
  );
}
