<?php
$version = 2024100700.00;
$release = '4.5 (miniature)';
