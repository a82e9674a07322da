<?php
require __DIR__ . '/../config.php';
require_once "$CFG->libdir/sessionlib.php";
require_login();
page('Dashboard', '<h1>Dashboard</h1>');
