// Shows how a run goes while it goes. The page is whole without: then it loads itself anew.
"use strict";
const live = document.querySelector("[data-live]");
if (live) {
  const source = new EventSource(live.dataset.live);
  const lost = live.querySelector("[data-lost]");
  for (const name of ["summary", "steps"]) {
    const part = live.querySelector(`[data-part=${name}]`);
    source.addEventListener(name, (event) => {
      lost.hidden = true;
      part.innerHTML = event.data;
    });
  }
  source.addEventListener("end", () => {
    source.close();
    location.reload();
  });
  source.addEventListener("error", () => {
    lost.hidden = false;
    // It tries again by itself unless it was refused: too many are watching.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10000);
  });
}
