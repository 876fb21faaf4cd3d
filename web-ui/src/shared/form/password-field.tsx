import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import type { ComponentProps } from "react";
import { useTranslation } from "react-i18next";

import { Field } from "@/shared/ui/field";
import { IconButton } from "@/shared/ui/icon-button";

interface PasswordFieldProps extends Omit<ComponentProps<typeof Field>, "type" | "inside"> {
  /** `current-password` to prove oneself, `new-password` where one is chosen: password managers go by it. */
  autoComplete: "current-password" | "new-password";
}

/** A password, hidden unless one asks to see it. */
export function PasswordField(props: PasswordFieldProps) {
  const { t } = useTranslation();
  const [isShown, setIsShown] = useState(false);
  const label = isShown ? t("form.hide_password") : t("form.show_password");
  return (
    <Field
      {...props}
      type={isShown ? "text" : "password"}
      autoCapitalize="none"
      autoCorrect="off"
      spellCheck={false}
      inside={<IconButton icon={isShown ? EyeOff : Eye} small label={label} onClick={() => setIsShown(!isShown)} />}
    />
  );
}
