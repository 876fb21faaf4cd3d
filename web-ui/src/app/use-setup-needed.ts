import { useCallback, useState } from "react";

import { useIsAdmin } from "@/shared/data/me";
import { hasLanguageModel, useModels } from "@/shared/data/models";
import { readTab, writeTab } from "@/shared/data/tab-storage";

const KEY = "qd.setup";

/**
 * Whether to show the set-up screen: no language model is connected, and nobody chose to go on without. A provider that
 * could not be asked for its models is connected all the same.
 */
export function useSetupNeeded(): [boolean, () => void] {
  const models = useModels();
  const isAdmin = useIsAdmin(); // nobody else can connect one
  const [isSkipped, setIsSkipped] = useState(() => readTab<boolean>(KEY) === true);
  const skip = useCallback(() => {
    writeTab(KEY, true);
    setIsSkipped(true);
  }, []);
  const isConnected = models.data === undefined || hasLanguageModel(models.data.items) || models.data.errors.length > 0;
  return [isAdmin && !isConnected && !isSkipped, skip];
}
