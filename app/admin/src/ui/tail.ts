/** The end of a long number, by which people on a page are told apart: six digits, as the
 * server's id.ID.Tail. Its time begins at the 21st bit: four digits would be alike too often. */
export const tail = (id: string | null | undefined): string =>
  String(id ?? '')
    .slice(-6)
    .padStart(6, '0');
