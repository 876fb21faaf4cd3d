/** One message on the log line. Times are milliseconds since 1970; entries come oldest first. */
export type LogLineEntry = {
  id: string;
  at: number;
  role: "user" | "assistant";
  /** The first words of the message. */
  preview: string;
  /** The answer went on after a restart. */
  continued: boolean;
  /** How many ideas the message carried. */
  ideas: number;
  /** The model sees it as part of a summary. */
  summarised?: boolean;
};
