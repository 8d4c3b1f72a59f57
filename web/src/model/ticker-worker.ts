// Ticks for a hidden page.

addEventListener("message", (event: MessageEvent<number>) => {
  setInterval(() => postMessage(null), event.data);
});
