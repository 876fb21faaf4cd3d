/** Days, months and hours in the reader's time zone, as numbers that differ exactly when those differ. */
export function yearOf(at: number): number {
  return new Date(at).getFullYear();
}

export function monthOf(at: number): number {
  const date = new Date(at);
  return date.getFullYear() * 12 + date.getMonth();
}

export function dayOf(at: number): number {
  const date = new Date(at);
  return (date.getFullYear() * 12 + date.getMonth()) * 32 + date.getDate();
}

export function hourOf(at: number): number {
  return dayOf(at) * 24 + new Date(at).getHours();
}

export function startOfNextHour(at: number): number {
  const date = new Date(at);
  date.setHours(date.getHours() + 1, 0, 0, 0);
  return date.getTime();
}
