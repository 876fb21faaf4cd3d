import { useTranslation } from "react-i18next";

import { isFiltered } from "@/features/search/search-data";
import type { Wanted } from "@/features/search/search-data";
import { SelectField } from "@/shared/form/select-field";
import { useModels } from "@/shared/data/models";
import { useFolders } from "@/shared/data/organizing";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

interface SearchFiltersProps {
  wanted: Wanted;
  onChange(change: Partial<Wanted>): void;
}

const NOTHING: Partial<Wanted> = { who: "", has: "", model: "", folder: "", from: "", to: "" };

export function SearchFilters({ wanted, onChange }: SearchFiltersProps) {
  const { t } = useTranslation();
  const folders = useFolders().data ?? [];
  const models = useModels().data?.items ?? [];
  const isKnown = wanted.model === "" || models.some(({ id }) => id === wanted.model);
  return (
    <fieldset className="grid grid-cols-2 gap-3 sm:grid-cols-4">
      <legend className="sr-only">{t("search.filters")}</legend>
      <SelectField
        label={t("search.order")}
        value={wanted.order}
        options={[
          { value: "", label: t("search.newest") },
          { value: "best", label: t("search.best") },
        ]}
        onChange={(order) => onChange({ order })}
      />
      <SelectField
        label={t("search.who")}
        value={wanted.who}
        options={[
          { value: "", label: t("search.anybody") },
          { value: "user", label: t("search.user") },
          { value: "assistant", label: t("search.assistant") },
        ]}
        onChange={(who) => onChange({ who })}
      />
      <SelectField
        label={t("search.has")}
        value={wanted.has}
        options={[
          { value: "", label: t("search.anything") },
          { value: "ideas", label: t("search.ideas") },
          { value: "files", label: t("search.files") },
        ]}
        onChange={(has) => onChange({ has })}
      />
      <SelectField
        label={t("search.folder")}
        value={wanted.folder}
        options={[{ value: "", label: t("search.everywhere") }, ...folders.map(({ id, name }) => ({ value: id, label: name }))]}
        onChange={(folder) => onChange({ folder })}
      />
      <SelectField
        label={t("search.model")}
        value={wanted.model}
        options={[
          { value: "", label: t("search.any_model") },
          ...(isKnown ? [] : [{ value: wanted.model, label: wanted.model }]),
          ...models.map(({ id }) => ({ value: id, label: id })),
        ]}
        onChange={(model) => onChange({ model })}
      />
      <Field label={t("search.from")} type="date" value={wanted.from} onChange={(event) => onChange({ from: event.target.value })} />
      <Field label={t("search.to")} type="date" value={wanted.to} onChange={(event) => onChange({ to: event.target.value })} />
      {isFiltered(wanted) && (
        <Button kind="quiet" className="self-end" onClick={() => onChange(NOTHING)}>
          {t("search.clear")}
        </Button>
      )}
    </fieldset>
  );
}
