import { Copy, MessageSquarePlus, PencilLine, Trash2, UserRoundX } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Opened } from "@/features/assistants/assistant-settings";
import { useDeleteAssistant, useRestoreAssistant, useShareAssistant } from "@/shared/data/assistants";
import { shortName } from "@/shared/data/models";
import { IconButton } from "@/shared/ui/icon-button";
import { showToast, showWhenDone } from "@/shared/ui/toasts";
import type { Assistant } from "@/shared/wire/resources";

interface AssistantRowProps {
  assistant: Assistant;
  isAdmin: boolean;
  onUse(assistant: Assistant): void;
  onOpen(opened: Opened): void;
}

export function AssistantRow({ assistant, isAdmin, onUse, onOpen }: AssistantRowProps) {
  const { t } = useTranslation();
  const { id, name, description, kind, is_shared: isShared } = assistant;
  const remove = useRemoval();
  const { mutate: share } = useShareAssistant();
  const unshare = () =>
    share(
      { id, isShared: false },
      {
        onSuccess: () => showToast(t("assistants.unshared", { name })),
        onError: (error) => showToast(error.message),
      },
    );
  const canChange = kind === "own" && (!isShared || isAdmin);
  return (
    <li className="flex items-start gap-2 border-b border-line py-3">
      <div className="min-w-0 flex-1">
        <h3 className="text-[0.9375rem] font-medium wrap-anywhere">{name}</h3>
        {description && <p className="text-sm leading-5 text-quiet wrap-anywhere">{description}</p>}
        <Facts assistant={assistant} />
      </div>
      <div className="flex shrink-0 max-sm:flex-wrap max-sm:justify-end max-sm:max-w-20">
        <IconButton icon={MessageSquarePlus} label={`${t("assistants.use")}: ${name}`} onClick={() => onUse(assistant)} />
        {canChange && <IconButton icon={PencilLine} label={t("assistants.edit", { name })} onClick={() => onOpen({ kind: "own", id })} />}
        <IconButton icon={Copy} label={t("assistants.copy", { name })} onClick={() => onOpen({ kind: "copy", id })} />
        {kind === "shared" && isAdmin && <IconButton icon={UserRoundX} label={t("assistants.unshare", { name })} onClick={unshare} />}
        {canChange && <IconButton icon={Trash2} label={t("assistants.delete", { name })} onClick={() => remove(assistant)} />}
      </div>
    </li>
  );
}

function Facts({ assistant }: { assistant: Assistant }) {
  const { t } = useTranslation();
  const { kind, is_shared: isShared, format, model, temperature, tools } = assistant;
  const facts = [
    kind === "own" && isShared ? t("assistants.shared_by_you") : t(`assistants.${kind}`),
    ...(format === "tagged" ? [t("assistants.tagged")] : []),
    ...(model ? [shortName(model)] : []),
    ...(temperature === null ? [] : [`${t("assistants.temperature")} ${temperature.toFixed(1)}`]),
    ...tools,
  ];
  return <p className="tabular pt-0.5 text-xs leading-5 text-quiet wrap-anywhere">{facts.join(" · ")}</p>;
}

/** Deletes at once and offers to undo it. */
function useRemoval() {
  const { t } = useTranslation();
  const { mutateAsync: remove } = useDeleteAssistant();
  const { mutate: restore } = useRestoreAssistant();
  return ({ id, name }: Assistant) => {
    const undo = () => restore(id, { onError: (error) => showToast(error.message) });
    const done = { text: t("assistants.deleted", { name }), action: { label: t("assistants.undo"), run: undo } };
    return showWhenDone(remove(id).then(() => done));
  };
}
