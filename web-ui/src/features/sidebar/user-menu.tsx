import { ChartColumn, ChevronsUpDown, LogOut, Shield, UserRound } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";

import { useIsAdmin, useMe } from "@/shared/data/me";
import { signOut } from "@/shared/data/sign-out";
import { Menu, MenuItem, MenuLine } from "@/shared/ui/menu";
import { showToast } from "@/shared/ui/toasts";

/** Who is signed in, and what belongs to them. A guest has nothing but the conversation. */
export function UserMenu({ onOpen }: { onOpen(): void }) {
  const { t } = useTranslation();
  const [, navigate] = useLocation();
  const { name, role } = useMe();
  const isAdmin = useIsAdmin();
  const go = (place: string) => {
    onOpen();
    navigate(place);
  };
  return (
    <Menu
      label={t("sidebar.you", { name })}
      side="top"
      align="start"
      trigger={(props) => (
        <button
          {...props}
          type="button"
          className="flex min-h-9 w-full items-center gap-2.5 rounded-sm px-2 text-sm text-soft transition-colors hover:bg-hover data-[state=open]:bg-hover"
        >
          <span
            aria-hidden
            className="inline-grid size-5.5 shrink-0 place-items-center rounded-full bg-accent-soft text-[0.6875rem] font-semibold text-accent uppercase"
          >
            {[...name][0]}
          </span>
          <span className="min-w-0 flex-1 truncate text-left">
            <span className="sr-only">{t("sidebar.your_account")} </span>
            {name}
          </span>
          <ChevronsUpDown size={14} strokeWidth={1.75} aria-hidden className="text-quiet" />
        </button>
      )}
    >
      {role !== "guest" && (
        <>
          <MenuItem icon={UserRound} onSelect={() => go("/settings/account")}>
            {t("sidebar.account")}
          </MenuItem>
          <MenuItem icon={ChartColumn} onSelect={() => go("/settings/usage")}>
            {t("sidebar.usage")}
          </MenuItem>
          {isAdmin && (
            <MenuItem icon={Shield} onSelect={() => go("/admin")}>
              {t("sidebar.admin")}
            </MenuItem>
          )}
          <MenuLine />
        </>
      )}
      <MenuItem icon={LogOut} onSelect={() => void signOut().catch((error: Error) => showToast(error.message))}>
        {t("sidebar.sign_out")}
      </MenuItem>
    </Menu>
  );
}
