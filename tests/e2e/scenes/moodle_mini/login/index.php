<?php
// The login page; like Moodle's it begins a session of nobody's.
require __DIR__ . '/../config.php';
$token = bin2hex(random_bytes(16));
run('INSERT INTO {sessions} (sid, userid, timecreated, timemodified) VALUES (?, 0, ?, ?)', [$token, time(), time()]);
$name = htmlspecialchars(rows('SELECT fullname FROM {course} ORDER BY id LIMIT 1')[0]['fullname']);
?>
<!DOCTYPE html>
<html lang="en">
<head><title>Log in to the site | <?= $name ?></title></head>
<body>
<form class="login-form" action="<?= $CFG->wwwroot ?>/login/index.php" method="post" id="login">
<input type="hidden" name="logintoken" value="<?= $token ?>">
<input type="text" name="username" id="username"><input type="password" name="password" id="password">
<button type="submit" id="loginbtn">Log in</button>
</form>
</body>
</html>
