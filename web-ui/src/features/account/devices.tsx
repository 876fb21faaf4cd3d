import { Monitor, Smartphone } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Device } from "@/features/account/account-data";
import { useDevices, useSignOutDevice, useSignOutOthers } from "@/features/account/account-data";
import { describeDevice } from "@/features/account/describe-device";
import { Listing } from "@/shared/table/listing";
import { RowAction } from "@/shared/table/row-action";
import { ago } from "@/shared/time/ago";
import { Button } from "@/shared/ui/button";
import { showToast } from "@/shared/ui/toasts";

/** Where the account is signed in, the one that is used now first. */
export function Devices() {
  const { t } = useTranslation();
  const query = useDevices();
  const others = useSignOutOthers();
  const devices = (query.data?.items ?? []).toSorted((one, other) => Number(other.is_current) - Number(one.is_current));
  const signOutOthers = () =>
    others.mutate(undefined, {
      onSuccess: () => showToast(t("account.devices.others_gone")),
      onError: (error) => showToast(error.message),
    });
  return (
    <Listing query={query} isEmpty={devices.length === 0} empty={t("account.devices.empty")}>
      <ul className="border-t border-line">
        {devices.map((device) => (
          <DeviceRow key={device.id} device={device} />
        ))}
      </ul>
      {devices.length > 1 && (
        <Button className="mt-4" disabled={others.isPending} onClick={signOutOthers}>
          {t("account.devices.sign_out_others")}
        </Button>
      )}
    </Listing>
  );
}

function DeviceRow({ device }: { device: Device }) {
  const { t, i18n } = useTranslation();
  const { mutate, isPending } = useSignOutDevice();
  const { browser, system, isPhone } = describeDevice(device.device);
  const Icon = isPhone ? Smartphone : Monitor;
  const name = browser && system ? t("account.devices.on", { browser, system }) : browser || system || t("account.devices.unknown");
  const seen = t("account.devices.seen", { when: ago(device.seen_at, i18n.language) });
  const via = i18n.exists(`account.devices.via.${device.via}`) ? t(`account.devices.via.${device.via}`) : "";
  const facts = [device.is_current ? "" : seen, via, device.address].filter(Boolean);
  return (
    <li className="flex items-center gap-3 border-b border-line py-3">
      <Icon size={18} strokeWidth={1.75} aria-hidden className="shrink-0 text-quiet" />
      <div className="min-w-0 flex-1 text-sm">
        <p className="flex flex-wrap items-center gap-x-2">
          <span className="font-medium">{name}</span>
          {device.is_current && <span className="rounded-xs bg-good-soft px-1.5 text-xs leading-5 text-good">{t("account.devices.this_one")}</span>}
        </p>
        <p className="text-quiet wrap-anywhere">{facts.join(" · ")}</p>
      </div>
      {!device.is_current && (
        <RowAction
          danger
          disabled={isPending}
          aria-label={t("account.devices.sign_out_named", { name })}
          onClick={() => mutate(device.id, { onError: (error) => showToast(error.message) })}
        >
          {t("account.devices.sign_out")}
        </RowAction>
      )}
    </li>
  );
}
