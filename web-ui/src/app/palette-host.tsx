import { useState } from "react";

import { useCommands } from "@/app/use-commands";
import { Palette } from "@/features/palette/palette";

export function PaletteHost({ onClose }: { onClose(): void }) {
  const [search, setSearch] = useState("");
  return <Palette commands={useCommands(search)} onSearch={setSearch} onClose={onClose} />;
}
