import { useTranslation } from "react-i18next";

import type { ImagePart } from "@/shared/wire/generated";

const SHOWN = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** The pictures of a message. They are within it: nothing is fetched from anywhere. */
export function Pictures({ parts }: { parts: ImagePart[] }) {
  const { t } = useTranslation();
  const shown = parts.filter((part) => SHOWN.includes(part.media_type));
  if (shown.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-3 py-2">
      {shown.map((part, index) => (
        <img
          key={index}
          src={`data:${part.media_type};base64,${part.data}`}
          alt={t("conversation.picture", { number: index + 1 })}
          loading="lazy"
          decoding="async"
          className="max-h-96 max-w-full rounded-md border border-line"
        />
      ))}
    </div>
  );
}
