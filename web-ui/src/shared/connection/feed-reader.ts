/** The user's feed: pointers to what changed here, in another tab or on another device. */
import type { QueryClient, QueryKey } from "@tanstack/react-query";

import { findTurn } from "@/shared/connection/live-turns";
import { markEnded, markRunning } from "@/shared/connection/running";
import { keys } from "@/shared/data/keys";
import type { ClientFrame, FeedEvent } from "@/shared/wire/generated";

export class FeedReader {
  /** First loads that a change has overtaken: what they bring may be old. */
  private readonly overtaken = new Set<string>();

  constructor(
    private readonly client: QueryClient,
    private readonly send: (frame: ClientFrame) => boolean,
    /** The last pointer before this page loaded anything; null when that is not known. */
    private seq: number | null = null,
  ) {}

  /** Go on from the last pointer, or from now when there is none. */
  resume(): void {
    this.send({ type: "feed", ref: "feed:", ...(this.seq === null ? {} : { after: this.seq }) });
  }

  begin(after: number): void {
    this.seq ??= after;
  }

  /** Pointers were lost: everything may have changed. */
  restart(): void {
    this.seq = null;
    this.resume();
    this.reload(keys.allConversations, keys.folders, keys.allMessages, keys.allIdeas, keys.models, keys.providers);
  }

  hear(seq: number, event: FeedEvent): void {
    if (this.seq !== null && seq <= this.seq) return;
    this.seq = seq;
    switch (event.type) {
      case "conversation.changed":
        this.reload(keys.allConversations, keys.folders, keys.conversation(event.conversation));
        this.reload(["summaries", event.conversation], ["window", event.conversation]);
        break;
      case "messages.changed":
        this.reload(keys.messages(event.conversation), keys.message(event.message), keys.versions(event.message));
        this.reload(["summaries", event.conversation], ["window", event.conversation]);
        break;
      case "turn.running":
        markRunning(event.conversation, event.turn);
        if (!findTurn(event.turn)) this.reload(keys.messages(event.conversation));
        break;
      case "turn.finished":
        markEnded(event.conversation, event.turn);
        this.reload(keys.allConversations);
        if (!findTurn(event.turn)) this.reload(keys.messages(event.conversation));
        break;
      case "models.changed":
        this.reload(keys.models, keys.providers, keys.settings);
        break;
    }
  }

  private reload(...queryKeys: QueryKey[]): void {
    for (const queryKey of queryKeys) {
      this.reloadAfterFirst(queryKey);
      void this.client.invalidateQueries({ queryKey });
    }
  }

  /** A query that has nothing yet is not asked twice at once: it is asked again when its answer is there. */
  private reloadAfterFirst(queryKey: QueryKey): void {
    const loading = this.client.getQueryCache().findAll({ queryKey, fetchStatus: "fetching" });
    for (const query of loading) {
      if (query.state.data !== undefined || this.overtaken.has(query.queryHash)) continue;
      this.overtaken.add(query.queryHash);
      const again = () => {
        this.overtaken.delete(query.queryHash);
        void this.client.invalidateQueries({ queryKey: query.queryKey, exact: true });
      };
      query.promise?.then(again, again);
    }
  }
}
