import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { keys } from "@/shared/data/keys";
import { request } from "@/shared/http/request";
import { upload } from "@/shared/http/upload";
import type { Import, ImportNote } from "@/shared/wire/resources";

const LOOK_MS = 1000;

export const isGoing = (found: Import) => found.status === "waiting" || found.status === "running";

/** The latest ones; looked at every second while one of them is going on. The conversations follow when it ends. */
export function useImports() {
  const client = useQueryClient();
  const query = useQuery({
    queryKey: keys.imports,
    queryFn: async ({ signal }) => (await request<{ items: Import[] }>("/api/imports", { signal })).items,
    refetchInterval: ({ state }) => (state.data?.some(isGoing) ? LOOK_MS : false),
  });
  const going = query.data?.filter(isGoing).length ?? 0;
  useEffect(() => {
    void client.invalidateQueries({ queryKey: keys.allConversations });
  }, [client, going]);
  return query;
}

/** `share`: how much of the file has been sent, of 1. */
export function useUpload() {
  const client = useQueryClient();
  const [share, setShare] = useState(0);
  const mutation = useMutation({
    mutationFn: (file: File) => {
      setShare(0);
      return upload<Import>(`/api/imports?${new URLSearchParams({ name: file.name }).toString()}`, file, setShare);
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.imports }),
  });
  return { ...mutation, share };
}

type Wish = "stop" | "resume" | "remove";

export function useImportWish() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, wish }: { id: string; wish: Wish }) =>
      wish === "remove"
        ? request<undefined>(`/api/imports/${id}`, { method: "DELETE" })
        : request<Import>(`/api/imports/${id}/${wish}`, { method: "POST" }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.imports }),
  });
}

interface ReportPage {
  items: ImportNote[];
  next_cursor: number | null;
}

export function useReport(id: string) {
  return useInfiniteQuery({
    queryKey: [...keys.imports, id],
    queryFn: ({ pageParam, signal }) =>
      request<ReportPage>(`/api/imports/${id}/report`, { query: { after: pageParam }, signal }),
    initialPageParam: -1,
    getNextPageParam: (last) => last.next_cursor,
  });
}
