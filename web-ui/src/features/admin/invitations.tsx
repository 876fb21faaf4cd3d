import { useState } from "react";
import type { FormEvent } from "react";
import { useTranslation } from "react-i18next";

import { useAdminChange, useList } from "@/features/admin/admin-data";
import { GIVEN_ROLES } from "@/features/admin/person";
import { CopyLine } from "@/shared/form/copy-line";
import { Problem } from "@/shared/form/problem";
import { Section } from "@/shared/form/section";
import { SelectField } from "@/shared/form/select-field";
import { Listing } from "@/shared/table/listing";
import { RowAction } from "@/shared/table/row-action";
import type { Column } from "@/shared/table/table";
import { Table } from "@/shared/table/table";
import { ago, dateTimeOf } from "@/shared/time/ago";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { showToast } from "@/shared/ui/toasts";
import type { Role } from "@/shared/wire/resources";

interface Invitation {
  id: string;
  role: Role;
  email: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
  used_by?: string | null;
}

/** Links by which others make their own account. */
export function Invitations() {
  const { t } = useTranslation();
  const query = useList<Invitation>("invitations");
  const columns = useInvitationColumns();
  const items = query.data?.items ?? [];
  return (
    <Section title={t("admin.invitations.title")} lead={t("admin.invitations.lead")}>
      <InviteForm />
      <Listing query={query} isEmpty={items.length === 0} empty={t("admin.invitations.empty")}>
        <Table caption={t("admin.invitations.title")} rows={items} keyOf={({ id }) => id} columns={columns} />
      </Listing>
    </Section>
  );
}

function useInvitationColumns(): Column<Invitation>[] {
  const { t, i18n } = useTranslation();
  const [now] = useState(() => Date.now());
  const state = ({ used_at, expires_at }: Invitation) => {
    if (used_at !== null) return t("admin.invitations.used", { when: ago(used_at, i18n.language) });
    const when = ago(expires_at, i18n.language);
    return expires_at < now ? t("admin.invitations.expired", { when }) : t("admin.invitations.open", { when });
  };
  return [
    { id: "whom", label: t("admin.invitations.whom"), isName: true, cell: ({ email }) => email || t("admin.invitations.anybody") },
    { id: "role", label: t("admin.people.role"), cell: ({ role }) => t(`admin.role.${role}`) },
    { id: "made", label: t("admin.invitations.made"), cell: ({ created_at }) => ago(created_at, i18n.language) },
    { id: "state", label: t("admin.invitations.state"), cell: state },
    {
      id: "actions",
      label: t("admin.actions"),
      isActions: true,
      cell: (invitation) => (invitation.used_at === null ? <Revoke invitation={invitation} /> : ""),
    },
  ];
}

function Revoke({ invitation: { id, email } }: { invitation: Invitation }) {
  const { t } = useTranslation();
  const { mutate, isPending } = useAdminChange("invitations");
  return (
    <RowAction
      danger
      disabled={isPending}
      aria-label={t("admin.invitations.revoke_named", { name: email || t("admin.invitations.anybody") })}
      onClick={() => mutate({ method: "DELETE", steps: [id] }, { onError: (error) => showToast(error.message) })}
      className="-mr-2 md:-my-1"
    >
      {t("admin.invitations.revoke")}
    </RowAction>
  );
}

const DAY_S = 86_400;
const LASTING = ["1", "7", "30"] as const;

function InviteForm() {
  const { t, i18n } = useTranslation();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [days, setDays] = useState<(typeof LASTING)[number]>("7");
  const { mutate, isPending, error, data, reset } = useAdminChange<Invitation & { link: string; is_mailed?: boolean }>("invitations");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const address = email.trim();
    const body = { role, expires_in_s: Number(days) * DAY_S, ...(address ? { email: address } : {}) };
    mutate({ method: "POST", body });
  };
  if (data) {
    return (
      <div role="status" className="mb-8 flex max-w-[38rem] flex-col gap-4 rounded-md border border-line-strong bg-raised p-5">
        <CopyLine
          label={t("admin.invitations.link")}
          value={data.link}
          hint={t("admin.invitations.link_hint", { when: dateTimeOf(data.expires_at, i18n.language) })}
        />
        {data.is_mailed && <p className="text-sm text-good">{t("admin.invitations.mailed", { email: data.email })}</p>}
        <Button className="self-start" onClick={reset}>
          {t("admin.done")}
        </Button>
      </div>
    );
  }
  return (
    <form onSubmit={submit} className="mb-8 flex max-w-[46rem] flex-col gap-4">
      <div className="flex flex-wrap items-start gap-4">
        <Field
          label={t("admin.invitations.email")}
          type="email"
          autoComplete="off"
          value={email}
          onChange={(event) => setEmail(event.target.value)}
          className="min-w-56 flex-1"
        />
        <SelectField
          label={t("admin.people.role")}
          value={role}
          options={GIVEN_ROLES.map((value) => ({ value, label: t(`admin.role.${value}`) }))}
          onChange={setRole}
          className="min-w-32"
        />
        <SelectField
          label={t("admin.invitations.lasts")}
          value={days}
          options={LASTING.map((value) => ({ value, label: t("admin.days", { count: Number(value) }) }))}
          onChange={setDays}
          className="min-w-32"
        />
      </div>
      <Problem text={error?.message} />
      <div>
        <Button kind="primary" type="submit" disabled={isPending}>
          {t("admin.invitations.make")}
        </Button>
      </div>
    </form>
  );
}
