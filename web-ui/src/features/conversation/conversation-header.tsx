import { Braces, Code, Ellipsis, FileText, Lightbulb, PencilLine, Share2, Trash2 } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { ExportFormat } from "@/features/conversation/export-conversation";
import { TitleEditor } from "@/shared/ui/title-editor";
import { IconButton } from "@/shared/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/shared/ui/menu";

interface ConversationHeaderProps {
  title: string;
  /** Null while there is nothing yet that could be renamed or deleted. */
  onRename: ((title: string) => void) | null;
  /** Null for a private conversation: it is not shown to others. */
  onShare: (() => void) | null;
  onExport(format: ExportFormat): void;
  onDelete(): void;
  areIdeasShown: boolean;
  onToggleIdeas(): void;
  /** Opens the sidebar, when it is not beside the page. */
  sidebarButton: ReactNode;
}

const EXPORTS = [
  { format: "markdown", icon: FileText },
  { format: "html", icon: Code },
  { format: "jsonl", icon: Braces },
] as const;

export function ConversationHeader(props: ConversationHeaderProps) {
  const { title, onRename, onShare, onExport, onDelete, areIdeasShown, onToggleIdeas, sidebarButton } = props;
  const { t } = useTranslation();
  const [isRenaming, setIsRenaming] = useState(false);
  const rename = (next: string | null) => {
    setIsRenaming(false);
    if (next !== null && next !== title) onRename?.(next);
  };
  return (
    <header className="flex h-13 shrink-0 items-center gap-1 border-b border-line px-3">
      {sidebarButton}
      {isRenaming ? (
        <TitleEditor title={title} onDone={rename} className="mx-1 max-w-md flex-1" />
      ) : (
        <h1 className="min-w-0 flex-1 truncate px-1.5 text-[0.9375rem] font-semibold" title={title}>
          {title}
        </h1>
      )}
      <IconButton icon={Lightbulb} label={t("conversation.ideas")} aria-pressed={areIdeasShown} onClick={onToggleIdeas} />
      {onRename && (
        <Menu
          label={t("conversation.more")}
          trigger={(props) => <IconButton {...props} icon={Ellipsis} label={t("conversation.more")} />}
        >
          <MenuItem icon={PencilLine} onSelect={() => setIsRenaming(true)}>
            {t("conversation.rename")}
          </MenuItem>
          {onShare && (
            <MenuItem icon={Share2} onSelect={onShare}>
              {t("conversation.share")}
            </MenuItem>
          )}
          <MenuLine />
          {EXPORTS.map(({ format, icon }) => (
            <MenuItem key={format} icon={icon} onSelect={() => onExport(format)}>
              {t(`conversation.export_${format}`)}
            </MenuItem>
          ))}
          <MenuLine />
          <MenuItem icon={Trash2} danger onSelect={onDelete}>
            {t("conversation.delete")}
          </MenuItem>
        </Menu>
      )}
    </header>
  );
}
