import { Brain, ChartColumn, Cpu, EyeOff, FileText, Keyboard, Lightbulb, LogOut, MessageSquareText, Monitor, Moon, PanelLeft, Plug, Plus, Search, Settings, Shield, Sparkles, Sun, Trash2, UserRound } from "lucide-react";
import { useDeferredValue } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { setShell, toggleSidebar } from "@/app/shell-state";
import { useConversationId } from "@/app/use-conversation-id";
import { SHORTCUT_KEYS } from "@/app/use-global-shortcuts";
import { useNewConversation } from "@/app/use-new-conversation";
import type { Command } from "@/features/palette/palette";
import { setAppearance } from "@/shared/appearance/appearance";
import { changeNewChat, useChatOptions } from "@/shared/data/chat-options";
import { useConversation, useConversations } from "@/shared/data/conversations";
import { useIsAdmin, useMe } from "@/shared/data/me";
import { LOG_READER, useModels } from "@/shared/data/models";
import { signOut } from "@/shared/data/sign-out";
import { showToast } from "@/shared/ui/toasts";
import { NARROW } from "@/shared/ui/use-media";

/** Everything the palette offers: actions, conversations by title, models. */
export function useCommands(search: string): Command[] {
  return [...useActions(), ...useConversationCommands(search), ...useModelCommands()];
}

/** `whom`: who has it; without, everybody. */
type Action = Omit<Command, "group" | "label"> & { whom?: "members" | "admins" };

function useActions(): Command[] {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const startNew = useNewConversation();
  const startPrivate = () => {
    startNew();
    changeNewChat({ memory: "private" });
  };
  const group = t("palette.group.actions");
  const theme = t("palette.words.theme");
  const isAdmin = useIsAdmin();
  const isGuest = useMe(({ role }) => role === "guest");
  const actions: Action[] = [
    { id: "new", icon: Plus, keys: SHORTCUT_KEYS.new, run: startNew },
    { id: "private", icon: EyeOff, words: t("palette.words.private"), run: startPrivate },
    { id: "settings", icon: Settings, keys: SHORTCUT_KEYS.settings, words: t("palette.words.settings"), run: () => navigate("/settings"), whom: "members" },
    { id: "account", icon: UserRound, words: t("palette.words.account"), run: () => navigate("/settings/account"), whom: "members" },
    { id: "assistants", icon: Sparkles, words: t("palette.words.assistants"), run: () => navigate("/settings/assistants"), whom: "members" },
    { id: "snippets", icon: FileText, words: t("palette.words.snippets"), run: () => navigate("/settings/snippets"), whom: "members" },
    { id: "usage", icon: ChartColumn, words: t("palette.words.usage"), run: () => navigate("/settings/usage"), whom: "members" },
    { id: "connect", icon: Plug, words: t("palette.words.connect"), run: () => navigate("/settings?connect="), whom: "admins" },
    { id: "admin", icon: Shield, words: t("palette.words.admin"), run: () => navigate("/admin"), whom: "admins" },
    { id: "search", icon: Search, keys: SHORTCUT_KEYS.search, run: () => navigate("/search"), whom: "members" },
    { id: "ideas", icon: Lightbulb, run: () => navigate("/ideas"), whom: "members" },
    { id: "memory", icon: Brain, words: t("palette.words.memory"), run: () => navigate("/memory"), whom: "members" },
    { id: "deleted", icon: Trash2, words: t("palette.words.deleted"), run: () => navigate("/deleted"), whom: "members" },
    { id: "sidebar", icon: PanelLeft, keys: SHORTCUT_KEYS.sidebar, run: () => toggleSidebar(matchMedia(NARROW).matches) },
    { id: "theme_light", icon: Sun, words: theme, run: () => setAppearance({ theme: "light" }) },
    { id: "theme_dark", icon: Moon, words: theme, run: () => setAppearance({ theme: "dark" }) },
    { id: "theme_system", icon: Monitor, words: theme, run: () => setAppearance({ theme: "system" }) },
    { id: "shortcuts", icon: Keyboard, keys: SHORTCUT_KEYS.shortcuts, run: () => setShell({ areShortcutsOpen: true }) },
    { id: "sign_out", icon: LogOut, run: () => void signOut().catch((error: Error) => showToast(error.message)) },
  ];
  const isTheirs = ({ whom }: Action) => (whom === "admins" ? isAdmin : whom !== "members" || !isGuest);
  return actions.filter(isTheirs).map((action) => ({ ...action, group, label: t(`palette.action.${action.id}`) }));
}

function useConversationCommands(search: string): Command[] {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const { conversations } = useConversations(useDeferredValue(search));
  return conversations.map(({ id, title }) => ({
    id: `conversation-${id}`,
    group: t("palette.group.conversations"),
    label: title || t("sidebar.untitled"),
    icon: MessageSquareText,
    run: () => navigate(`/c/${id}`),
  }));
}

function useModelCommands(): Command[] {
  const { t } = useTranslation();
  const models = useModels();
  const conversation = useConversation(useConversationId());
  const [, change] = useChatOptions(conversation.data);
  return (models.data?.items ?? []).map((model) => ({
    id: `model-${model.id}`,
    group: t("palette.group.models"),
    label: model.id === LOG_READER ? t("models.log_reader") : model.name,
    note: models.data?.labels?.[model.provider] ?? model.provider,
    words: model.id,
    icon: Cpu,
    run: () => change({ model: model.id }),
  }));
}
