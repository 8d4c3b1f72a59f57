// Things of the model that are made when somebody first asks for them.

/** Makes something that outlives the component which happened to ask: what is derived in it would stay as it was when that
 * component is gone. */
export function lasting<Thing>(make: () => Thing): Thing {
  let made: { thing: Thing } | null = null;
  $effect.root(() => {
    made = { thing: make() };
  });
  if (made === null) throw new Error("an effect root did not run");
  return (made as { thing: Thing }).thing;
}
