/** Something needs to know which model: the page asks, and the answer goes where the question came from. */
import { create } from "zustand";

interface Question {
  value: string;
  answer: ((model: string) => void) | null;
}

export const useModelQuestion = create<Question>(() => ({ value: "", answer: null }));

export function askForModel(value: string, answer: (model: string) => void): void {
  useModelQuestion.setState({ value, answer });
}

export function dropQuestion(): void {
  useModelQuestion.setState({ answer: null });
}
