/** Large files: `fetch` does not say how much has been sent, so this is an `XMLHttpRequest`. */
import { offline, readAnswer } from "@/shared/http/request";

/** `onShare` is told how much has been sent, of 1. Raises `ProblemError`, as `request` does. */
export async function upload<Result>(path: string, file: Blob, onShare: (share: number) => void): Promise<Result> {
  return readAnswer<Result>(path, await send(path, file, onShare));
}

function send(path: string, file: Blob, onShare: (share: number) => void): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    sending.setRequestHeader("Accept", "application/json");
    sending.upload.onprogress = ({ loaded, total, lengthComputable }) => onShare(lengthComputable ? loaded / total : 0);
    sending.onerror = () => reject(offline());
    sending.onload = () => resolve(asResponse(sending));
    sending.send(file);
  });
}

function asResponse(sent: XMLHttpRequest): Response {
  const wait = sent.getResponseHeader("Retry-After");
  return new Response(sent.status === 204 ? null : sent.responseText, { status: sent.status, headers: wait === null ? {} : { "Retry-After": wait } });
}
