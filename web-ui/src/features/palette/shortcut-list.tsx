import { useTranslation } from "react-i18next";

import { Dialog } from "@/shared/ui/dialog";
import { Kbd } from "@/shared/ui/kbd";

interface ShortcutListProps {
  shortcuts: { id: string; keys: string }[];
  onClose(): void;
}

export function ShortcutList({ shortcuts, onClose }: ShortcutListProps) {
  const { t } = useTranslation();
  return (
    <Dialog title={t("palette.shortcuts")} onClose={onClose}>
      <dl className="px-5 py-3">
        {shortcuts.map((shortcut) => (
          <div key={shortcut.id} className="flex min-h-9 items-center justify-between gap-4 border-line text-sm not-last:border-b">
            <dt>{t(`palette.action.${shortcut.id}`)}</dt>
            <dd>
              <Kbd keys={shortcut.keys} />
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
