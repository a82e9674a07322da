<?php
// The login page; like Moodle's it begins a session of nobody's.
require __DIR__ . '/../config.php';
require_once "$CFG->libdir/sessionlib.php";
$cas = in_array('cas', explode(',', $CFG->auth ?? ''), true) ? get_config('auth_cas', 'hostname') : '';
if ($cas || ($CFG->alternateloginurl ?? '')) {
    header('Location: ' . ($cas ? "https://$cas/login" : $CFG->alternateloginurl), true, 302);
    exit;
}
if (isset($_POST['username'], $_POST['password'])) {
    $found = rows('SELECT id, password FROM {user} WHERE username = ? AND confirmed = 1 AND deleted = 0
        AND suspended = 0', [$_POST['username']]);
    $right = $found && ($_POST['logintoken'] ?? '') === sesskey()
        && password_verify($_POST['password'], $found[0]['password']);
    if (!$right) {
        go('/login/index.php?loginredirect=1');
    }
    run('DELETE FROM {sessions} WHERE sid = ?', [session()['sid']]);
    new_session((int) $found[0]['id']);
    note('\core\event\user_loggedin', (int) $found[0]['id']);
    go("/login/index.php?testsession={$found[0]['id']}");
}
if (session()['userid']) {
    go('/my/');
}
$token = sesskey();
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
