import { Download, Ellipsis, KeyRound, LogOut, PencilLine, Trash2, UserRoundCheck, UserRoundX } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange } from "@/features/admin/admin-data";
import type { PasswordLink, Person } from "@/features/admin/person";
import { PersonDialog } from "@/features/admin/person-dialog";
import { ConfirmDialog } from "@/shared/form/confirm-dialog";
import { CopyLine } from "@/shared/form/copy-line";
import { useMe } from "@/shared/data/me";
import { dateTimeOf } from "@/shared/time/ago";
import { Dialog } from "@/shared/ui/dialog";
import { IconButton } from "@/shared/ui/icon-button";
import { Menu, MenuItem, MenuLine } from "@/shared/ui/menu";
import { showToast } from "@/shared/ui/toasts";

type Open = "edit" | "suspend" | "delete" | null;

/** What can be done with an account; what is felt is asked once more. */
export function PersonActions({ person }: { person: Person }) {
  const { t } = useTranslation();
  const { id, name } = person;
  const me = useMe();
  const [open, setOpen] = useState<Open>(null);
  const [link, setLink] = useState<PasswordLink | null>(null);
  const change = useAdminChange("users");
  const makeLink = useAdminChange<PasswordLink>("users");
  const isSuspended = person.suspended_at !== null;
  const isMine = id === me.id;
  const isProtected = isMine || person.role === "owner";
  const close = () => {
    setOpen(null);
    change.reset();
  };
  const run = (wanted: Parameters<typeof change.mutate>[0], done: string) =>
    change.mutate(wanted, {
      onSuccess: () => {
        showToast(done);
        setOpen(null);
      },
      onError: (error) => open === null && showToast(error.message),
    });
  return (
    <>
      <Menu label={t("admin.people.more", { name })} trigger={(props) => <IconButton {...props} icon={Ellipsis} small label={t("admin.people.more", { name })} />}>
        <MenuItem icon={PencilLine} onSelect={() => setOpen("edit")}>
          {t("admin.people.edit")}
        </MenuItem>
        <MenuItem
          icon={KeyRound}
          onSelect={() =>
            makeLink.mutate(
              { method: "POST", steps: [id, "password-link"] },
              { onSuccess: setLink, onError: (error) => showToast(error.message) },
            )
          }
        >
          {t("admin.people.password_link")}
        </MenuItem>
        <MenuItem icon={LogOut} onSelect={() => run({ method: "POST", steps: [id, "sign-out"] }, t("admin.people.signed_out", { name }))}>
          {t("admin.people.sign_out")}
        </MenuItem>
        <MenuItem icon={Download} onSelect={() => location.assign(`/api/admin/users/${encodeURIComponent(id)}/export`)}>
          {t("admin.people.export")}
        </MenuItem>
        {!isProtected && (
          <>
            <MenuLine />
            {isSuspended ? (
              <MenuItem
                icon={UserRoundCheck}
                onSelect={() => run({ method: "PATCH", steps: [id], body: { is_suspended: false } }, t("admin.people.resumed", { name }))}
              >
                {t("admin.people.resume")}
              </MenuItem>
            ) : (
              <MenuItem icon={UserRoundX} onSelect={() => setOpen("suspend")}>
                {t("admin.people.suspend")}
              </MenuItem>
            )}
            <MenuItem icon={Trash2} danger onSelect={() => setOpen("delete")}>
              {t("admin.people.delete")}
            </MenuItem>
          </>
        )}
      </Menu>
      {open === "edit" && <PersonDialog person={person} onClose={close} />}
      {open === "suspend" && (
        <ConfirmDialog
          title={t("admin.people.suspend_title", { name })}
          action={t("admin.people.suspend")}
          error={change.error?.message}
          isPending={change.isPending}
          onConfirm={() => run({ method: "PATCH", steps: [id], body: { is_suspended: true } }, t("admin.people.is_suspended", { name }))}
          onClose={close}
        >
          {t("admin.people.suspend_text", { name })}
        </ConfirmDialog>
      )}
      {open === "delete" && (
        <ConfirmDialog
          title={t("admin.people.delete_title", { name })}
          action={t("admin.people.delete_now")}
          word={name}
          error={change.error?.message}
          isPending={change.isPending}
          onConfirm={() => run({ method: "DELETE", steps: [id], body: { name } }, t("admin.people.deleted", { name }))}
          onClose={close}
        >
          {t("admin.people.delete_text", { count: person.conversations, name })}
        </ConfirmDialog>
      )}
      {link && (
        <Dialog title={t("admin.people.link_title", { name })} onClose={() => setLink(null)}>
          <div className="px-5 pt-4 pb-5">
            <LinkShown link={link} />
          </div>
        </Dialog>
      )}
    </>
  );
}

export function LinkShown({ link }: { link: PasswordLink }) {
  const { t, i18n } = useTranslation();
  const until = link.expires_at === undefined ? "" : t("admin.until", { when: dateTimeOf(link.expires_at, i18n.language) });
  return <CopyLine label={t("admin.people.link")} value={link.link} hint={`${t("admin.people.link_hint")} ${until}`.trim()} />;
}
