import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "wouter";

import { ProviderForm } from "@/features/settings/provider-form";
import { ProviderRow } from "@/features/settings/provider-row";
import { useProviders } from "@/shared/data/providers";
import { Button } from "@/shared/ui/button";

/** What is connected, one line each; the form opens in the place of the line it changes. */
export function ProviderSettings() {
  const { t } = useTranslation();
  const [search] = useSearchParams();
  const { data, error, isPending } = useProviders();
  /** A provider's name, "" for a new one, null when the form is closed. */
  const [editing, setEditing] = useState<string | null>(() => search.get("connect"));
  if (isPending) return <p className="text-sm text-quiet">{t("ui.loading")}</p>;
  if (error) return <p className="text-sm text-danger">{error.message}</p>;
  const close = () => setEditing(null);
  const isNew = editing !== null && !data.items.some((provider) => provider.name === editing);
  return (
    <>
      <ul className="border-t border-line">
        {data.items.map((provider) => (
          <li key={provider.name} className="border-b border-line">
            {editing === provider.name ? (
              <ProviderForm provider={provider} presets={data.presets} onDone={close} />
            ) : (
              <ProviderRow provider={provider} onEdit={() => setEditing(provider.name)} />
            )}
          </li>
        ))}
        {data.items.length === 0 && <li className="border-b border-line py-4 text-sm text-quiet">{t("settings.none_connected")}</li>}
      </ul>
      {isNew ? (
        <ProviderForm key={editing} preset={editing} presets={data.presets} onDone={close} />
      ) : (
        <Button className="mt-4" onClick={() => setEditing("")}>
          <Plus size={16} strokeWidth={1.75} aria-hidden />
          {t("settings.connect")}
        </Button>
      )}
    </>
  );
}
