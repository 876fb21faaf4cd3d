import { useCallback } from "react";
import { useLocation } from "wouter";

import { resetNewChat } from "@/shared/data/chat-options";
import { findMessageField } from "@/shared/keyboard/message-field";

export function useNewConversation(): () => void {
  const [, navigate] = useLocation();
  return useCallback(() => {
    resetNewChat();
    navigate("/");
    requestAnimationFrame(() => findMessageField()?.focus());
  }, [navigate]);
}
