import { SHORTCUT_KEYS } from "@/app/use-global-shortcuts";
import { ShortcutList } from "@/features/palette/shortcut-list";

const SHOWN = [
  ...Object.entries(SHORTCUT_KEYS).map(([id, keys]) => ({ id, keys })),
  { id: "send", keys: "enter" },
  { id: "line", keys: "shift+enter" },
];

export function ShortcutHost({ onClose }: { onClose(): void }) {
  return <ShortcutList shortcuts={SHOWN} onClose={onClose} />;
}
