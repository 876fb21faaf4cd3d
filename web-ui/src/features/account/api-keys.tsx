import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { ApiKey } from "@/features/account/account-data";
import { useApiKeys, useRevokeKey } from "@/features/account/account-data";
import { NewKeyForm } from "@/features/account/new-key-form";
import { ConfirmDialog } from "@/shared/form/confirm-dialog";
import { CopyLine } from "@/shared/form/copy-line";
import { Listing } from "@/shared/table/listing";
import { RowAction } from "@/shared/table/row-action";
import { ago, dateOf } from "@/shared/time/ago";
import { Button } from "@/shared/ui/button";

/** Keys for programs. A new one is shown once, above the list, until one has taken it. */
export function ApiKeys() {
  const { t } = useTranslation();
  const query = useApiKeys();
  const [isMaking, setIsMaking] = useState(false);
  const [made, setMade] = useState<{ name: string; secret: string } | null>(null);
  const keys = query.data?.items ?? [];
  return (
    <div className="flex flex-col gap-4">
      {made && <MadeKey {...made} onDone={() => setMade(null)} />}
      <Listing query={query} isEmpty={keys.length === 0} empty={t("account.keys.empty")}>
        <ul className="border-t border-line">
          {keys.map((key) => (
            <KeyRow key={key.id} apiKey={key} />
          ))}
        </ul>
      </Listing>
      {isMaking ? (
        <NewKeyForm
          onMade={(key) => {
            setMade(key);
            setIsMaking(false);
          }}
          onCancel={() => setIsMaking(false)}
        />
      ) : (
        <Button className="self-start" onClick={() => setIsMaking(true)}>
          <Plus size={16} strokeWidth={1.75} aria-hidden />
          {t("account.keys.new")}
        </Button>
      )}
    </div>
  );
}

function MadeKey({ name, secret, onDone }: { name: string; secret: string; onDone(): void }) {
  const { t } = useTranslation();
  return (
    <div role="status" className="flex flex-col gap-3 rounded-md border border-line-strong bg-raised p-5">
      <CopyLine label={t("account.keys.made", { name })} value={secret} hint={t("account.keys.made_hint")} />
      <Button className="self-start" onClick={onDone}>
        {t("account.keys.done")}
      </Button>
    </div>
  );
}

function KeyRow({ apiKey }: { apiKey: ApiKey }) {
  const { t, i18n } = useTranslation();
  const { mutate, isPending, error } = useRevokeKey();
  const [isAsking, setIsAsking] = useState(false);
  const { id, name, scopes, hint, used_at, expires_at } = apiKey;
  const used = used_at === null ? t("account.keys.never_used") : t("account.keys.used", { when: ago(used_at, i18n.language) });
  const ends = expires_at === null ? "" : t("account.keys.ends", { date: dateOf(expires_at, i18n.language) });
  const facts = [scopes.map((scope) => t(`account.keys.scope.${scope}`)).join(", "), used, ends].filter(Boolean);
  return (
    <li className="flex items-center gap-3 border-b border-line py-3">
      <div className="min-w-0 flex-1 text-sm">
        <p className="flex flex-wrap items-baseline gap-x-2.5">
          <span className="font-medium wrap-anywhere">{name}</span>
          <span className="font-mono text-xs text-quiet">{hint}</span>
        </p>
        <p className="text-quiet">{facts.join(" · ")}</p>
      </div>
      <RowAction danger aria-label={t("account.keys.revoke_named", { name })} onClick={() => setIsAsking(true)}>
        {t("account.keys.revoke")}
      </RowAction>
      {isAsking && (
        <ConfirmDialog
          title={t("account.keys.revoke_title", { name })}
          action={t("account.keys.revoke")}
          error={error?.message}
          isPending={isPending}
          onConfirm={() => mutate(id)}
          onClose={() => setIsAsking(false)}
        >
          {t("account.keys.revoke_text")}
        </ConfirmDialog>
      )}
    </li>
  );
}
