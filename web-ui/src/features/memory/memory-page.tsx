import "@/features/memory/words";

import { useMemo } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Route, Switch, useLocation, useSearch } from "wouter";

import { Memories } from "@/features/memory/memories";
import { MemorySettingsPart } from "@/features/memory/memory-settings";
import { Notes } from "@/features/memory/notes";
import { RecallTrial } from "@/features/memory/recall-trial";
import { readWanted, writeWanted } from "@/features/memory/wanted";
import type { Wanted } from "@/features/memory/wanted";
import { Page } from "@/shared/form/page";
import { PlaceNav } from "@/shared/form/place-nav";

interface MemoryPageProps {
  sidebarButton: ReactNode;
  /** Which model finds by meaning is the server's setting. */
  isAdmin: boolean;
}

/** What is remembered across conversations, what it says altogether, what it would find, and whether it is on. */
export function MemoryPage({ sidebarButton, isAdmin }: MemoryPageProps) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const query = useSearch();
  const wanted = useMemo(() => readWanted(query), [query]);
  const change = (part: Partial<Wanted>) => {
    const next = writeWanted({ ...wanted, ...part });
    navigate(`/memory${next && `?${next}`}`, { replace: true });
  };
  const places = [
    { href: "/memory", label: t("memory.list") },
    { href: "/memory/notes", label: t("memory.notes") },
    { href: "/memory/recall", label: t("memory.trial") },
    { href: "/memory/settings", label: t("memory.settings") },
  ];
  return (
    <Page title={t("memory.title")} sidebarButton={sidebarButton} nav={<PlaceNav label={t("memory.title")} places={places} />}>
      <Switch>
        <Route path="/memory/notes">
          <Notes />
        </Route>
        <Route path="/memory/recall">
          <RecallTrial />
        </Route>
        <Route path="/memory/settings">
          <MemorySettingsPart isAdmin={isAdmin} />
        </Route>
        <Route>
          <Memories wanted={wanted} onChange={change} />
        </Route>
      </Switch>
    </Page>
  );
}
