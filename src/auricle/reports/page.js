"use strict";
// Everything reads without this script; it sorts the table, moves the playhead and keeps the place when a cell is chosen.

for (const table of document.querySelectorAll("[data-sortable]")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = column > 0 ? head.ariaSort !== "descending" : head.ariaSort === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const order = (a, b) => column > 0 ? value(a) - value(b) : value(a).localeCompare(value(b));
      const rows = [...table.tBodies[0].rows].sort((a, b) => falling ? order(b, a) : order(a, b));
      table.tBodies[0].append(...rows);
    });
  });
}

// A list opens beside the matrix without the page moving, and the chosen cell is marked; without this script, :target does it by moving.
const lists = [...document.querySelectorAll(".list")];
function choose(hash) {
  let chosen = null;
  for (const list of lists) {
    const open = `#${list.id}` === hash;
    list.classList.toggle("open", open);
    if (open) chosen = list;
  }
  document.querySelector(".lists")?.classList.toggle("chosen", Boolean(chosen));
  for (const link of document.querySelectorAll(".matrix a")) {
    if (chosen && link.hash === hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  return chosen;
}
document.documentElement.classList.add("live");
for (const link of document.querySelectorAll(".matrix a, .confused a, .close")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", link.hash);
    const list = choose(link.hash);
    if (!list) return;
    list.focus({ preventScroll: true });
    list.scrollIntoView({ block: "nearest" });
  });
}
addEventListener("hashchange", () => choose(location.hash));
choose(location.hash);

const players = [...document.querySelectorAll(".card audio")];
for (const player of players) {
  const picture = player.previousElementSibling;
  const head = document.createElement("i");
  head.hidden = true;
  picture.append(head);
  const follow = () => {
    head.hidden = false;
    head.style.left = `${100 * player.currentTime / (player.duration || 1)}%`;
    if (!player.paused) requestAnimationFrame(follow);
  };
  player.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.pause();
    follow();
  });
  player.addEventListener("seeked", follow);
  picture.addEventListener("click", (event) => {
    const box = picture.getBoundingClientRect();
    player.currentTime = (player.duration || 0) * (event.clientX - box.left) / box.width;
    player.play().catch(() => {}); // another sound began first
  });
}
