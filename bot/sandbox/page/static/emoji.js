// The most common of Slack's emoji names.
const NAMED = `
+1 👍 -1 👎 thumbsup 👍 thumbsdown 👎 wave 👋 clap 👏 pray 🙏 raised_hands 🙌 ok_hand 👌 muscle 💪
point_right 👉 point_left 👈 point_up ☝️ point_down 👇 eyes 👀 smile 😄 smiley 😃 grinning 😀 grin 😁
slightly_smiling_face 🙂 wink 😉 blush 😊 joy 😂 sweat_smile 😅 thinking_face 🤔 neutral_face 😐
cry 😢 sob 😭 tada 🎉 party_popper 🎉 sparkles ✨ star ⭐ star2 🌟 fire 🔥 rocket 🚀 heart ❤️
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ negative_squared_cross_mark ❎
no_entry ⛔ no_entry_sign 🚫 warning ⚠️ exclamation ❗ question ❓ grey_question ❔
grey_exclamation ❕ information_source ℹ️ bulb 💡 bell 🔔 no_bell 🔕 camera 📷 camera_with_flash 📸
frame_with_picture 🖼️ film_frames 🎞️ selfie 🤳 mag 🔍 mag_right 🔎 link 🔗 lock 🔒 unlock 🔓
key 🔑 gear ⚙️ wrench 🔧 hammer 🔨 package 📦 file_folder 📁 open_file_folder 📂 page_facing_up 📄
inbox_tray 📥 outbox_tray 📤 arrow_down ⬇️ arrow_up ⬆️ arrow_right ➡️ arrow_left ⬅️ arrow_forward ▶️
arrows_counterclockwise 🔄 repeat 🔁 hourglass ⌛ hourglass_flowing_sand ⏳ clock1 🕐 stopwatch ⏱️
calendar 📆 date 📅 bar_chart 📊 chart_with_upwards_trend 📈 wastebasket 🗑️ pencil ✏️ pencil2 ✏️
memo 📝 pushpin 📌 round_pushpin 📍 speech_balloon 💬 bust_in_silhouette 👤 busts_in_silhouette 👥
robot_face 🤖 crescent_moon 🌙 zzz 💤 sunny ☀️ house 🏠 globe_with_meridians 🌐 computer 💻
iphone 📱 email 📧 loudspeaker 📢 mega 📣 red_circle 🔴 large_blue_circle 🔵 large_green_circle 🟢
large_yellow_circle 🟡 white_circle ⚪ black_circle ⚫ one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣
`.trim().split(/\s+/);

const BY_NAME = new Map();
for (let at = 0; at < NAMED.length; at += 2) BY_NAME.set(NAMED[at], NAMED[at + 1]);

/** The character for a name, or undefined. */
export function emoji(name) {
  return BY_NAME.get(name);
}

/** Text with the names that are known as characters. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emoji(name) ?? whole);
}
