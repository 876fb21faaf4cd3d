import { useCallback } from "react";
import { useLocation } from "wouter";

import { resetNewChat } from "@/shared/data/chat-options";

export function useNewConversation(): () => void {
  const [, navigate] = useLocation();
  return useCallback(() => {
    resetNewChat();
    navigate("/");
    requestAnimationFrame(() => document.querySelector<HTMLElement>(".qd-field")?.focus());
  }, [navigate]);
}
