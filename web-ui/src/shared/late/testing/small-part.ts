export const Part = "a small part";
