/** After an order was given or decided: what shows orders and doors reads again. */

import { useQueryClient } from "@tanstack/react-query";

export function useOrdersChanged(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await Promise.all(["orders", "doors"].map((name) => client.invalidateQueries({ queryKey: [name] })));
  };
}
