<?php
require __DIR__ . '/../config.php';
require_once "$CFG->libdir/sessionlib.php";
require_sesskey();
run('DELETE FROM {sessions} WHERE sid = ?', [session()['sid']]);
go('/');
